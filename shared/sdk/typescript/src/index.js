"use strict";

const { StilleError } = require("./answer.js");
const { Client } = require("./client.js");
const { Sender } = require("./ses.js");

module.exports = { Client, Sender, StilleError };

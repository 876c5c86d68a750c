"use strict";

const { Client } = require("./client.js");
const { StilleError } = require("./answer.js");

module.exports = { Client, StilleError };

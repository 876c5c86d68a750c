package unsubscribe

import (
	"net/http"

	"stille/shared/api/gateway"
	"stille/shared/unsubscribe/pages"
)

// queued answers that an opt-out is in the outage queue.
func queued(page pages.Reader, s pages.Subject, w wish) gateway.Response {
	if w.page {
		return page.Queued(s)
	}
	return page.Text(http.StatusServiceUnavailable, "Not stored yet. It is noted and will be carried out shortly.")
}

// later answers that the change is neither stored nor queued.
func later(page pages.Reader, w wish) gateway.Response {
	if w.page {
		return page.Later(w.action, w.topic)
	}
	return page.Text(http.StatusServiceUnavailable, "Not stored. Please send it again.")
}

package control

import (
	"errors"
	"net/http"
)

// Code says what kind of failure an error is. Codes are part of the interface:
// none is renamed or given another meaning.
type Code string

// The codes.
const (
	CodeFailure        Code = "failure"         // anything else
	CodeUsage          Code = "usage"           // the request makes no sense
	CodeNotFound       Code = "not_found"       // no such feed, topic, mirror, path
	CodeExists         Code = "exists"          // that name is taken
	CodeRefused        Code = "refused"         // bad ticket, address, document or payload
	CodeTimeout        Code = "timeout"         // not done in time
	CodeFull           Code = "full"            // the disk or the quota is full
	CodeNotRunning     Code = "not_running"     // no daemon for this home
	CodeAlreadyRunning Code = "already_running" // another daemon has this home
	CodeStopping       Code = "stopping"        // the daemon is about to end
)

// Error is a failure as it travels: what happened, and what to do next.
type Error struct {
	Message string `json:"error"`
	Hint    string `json:"hint,omitempty"`
	Code    Code   `json:"code"`
}

// Error returns message and hint in one line.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + ": " + e.Hint
}

// NewError is for a daemon to say what happened (message) and what to do next
// (hint, may be empty).
func NewError(code Code, message, hint string) *Error {
	return &Error{Message: message, Hint: hint, Code: code}
}

// CodeOf returns the code of an error: CodeFailure where it has none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeFailure
}

// asError returns err in the form in which it travels: an *Error in its chain
// as that is, without the words around it.
func asError(err error) *Error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return &Error{Message: err.Error(), Code: CodeFailure}
	}
	return e
}

// status maps codes to HTTP's statuses, for whoever uses curl.
func (c Code) status() int {
	switch c {
	case CodeUsage:
		return http.StatusBadRequest
	case CodeNotFound:
		return http.StatusNotFound
	case CodeExists, CodeAlreadyRunning:
		return http.StatusConflict
	case CodeRefused:
		return http.StatusUnprocessableEntity
	case CodeTimeout:
		return http.StatusGatewayTimeout
	case CodeFull:
		return http.StatusInsufficientStorage
	case CodeStopping, CodeNotRunning:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

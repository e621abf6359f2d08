package asc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// errNothingRelated says that a to-one relationship leads nowhere.
var errNothingRelated = errors.New("the relationship has no resource")

// newNothingRelated is the refusal that a to-one relationship without a
// resource gets. The service answers some with 404 and others with 200 and
// data null; both mean the same, and look the same to callers.
func newNothingRelated(req *http.Request, resp *http.Response) *Error {
	detail := ErrorDetail{
		Status: "404", Code: "NOT_FOUND", Title: "The specified resource does not exist",
		Detail: "The relationship of that path has no resource",
	}
	return &Error{
		ErrorDetail: detail, Details: []ErrorDetail{detail}, Method: req.Method, Path: req.URL.Path,
		HTTPStatus: http.StatusNotFound, RequestID: requestID(resp.Header),
	}
}

// rawData returns the data of a document, as it stands there; nil if it has none.
func rawData(body []byte) (json.RawMessage, error) {
	var doc struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, wrongShape(err)
	}
	return bytes.TrimSpace(doc.Data), nil
}

func wrongShape(err error) error {
	// An error of encoding/json may repeat a number of any length.
	return fmt.Errorf("the reply does not have the shape of the API: %s", cut(err.Error(), maxErrorBody))
}

// acceptList reads a page of resources of one type into page. A list without a
// list is an error, and not an empty list: from an empty one it would follow
// that nothing was made yet.
func acceptList[A any](kind string, page *listDocument[A]) func([]byte) error {
	return func(body []byte) error {
		data, err := rawData(body)
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(data, []byte("[")) {
			return wrongShape(fmt.Errorf("no list of %s in it", kind))
		}
		*page = listDocument[A]{}
		if err := json.Unmarshal(body, page); err != nil {
			return wrongShape(err)
		}
		for _, r := range page.Data {
			if r.ID == "" {
				return wrongShape(fmt.Errorf("the list of %s holds a resource without an id", kind))
			}
			if r.Type != kind {
				return wrongShape(fmt.Errorf("the list of %s holds a resource of type %q", kind, cut(r.Type, 100)))
			}
		}
		return nil
	}
}

// acceptOne reads a resource of one type into doc: that with the id, if there
// is one, and any otherwise.
func acceptOne[A any](kind, id string, doc *document[A]) func([]byte) error {
	return func(body []byte) error {
		*doc = document[A]{}
		if err := json.Unmarshal(body, doc); err != nil {
			return wrongShape(err)
		}
		switch r := doc.Data; {
		case r.ID == "":
			return wrongShape(fmt.Errorf("no resource of type %s in it", kind))
		case r.Type != kind:
			return wrongShape(fmt.Errorf("a resource of type %q instead of %s", cut(r.Type, 100), kind))
		case id != "" && !strings.EqualFold(r.ID, id):
			return wrongShape(fmt.Errorf("%s %q instead of %s", kind, cut(r.ID, 100), id))
		}
		return nil
	}
}

// acceptRelated reads the resource of a to-one relationship, which may have
// none.
func acceptRelated[A any](kind string, doc *document[A]) func([]byte) error {
	return func(body []byte) error {
		data, err := rawData(body)
		if err != nil {
			return err
		}
		if string(data) == "null" {
			return errNothingRelated
		}
		return acceptOne(kind, "", doc)(body)
	}
}

// cut shortens a text from outside to so many characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

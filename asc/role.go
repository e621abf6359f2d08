package asc

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// nobody is an id that no resource has.
const nobody = "00000000-0000-4000-8000-000000000000"

// The API does not say what role a key has. The two calls below ask to change
// something that does not exist, which the service refuses with 403 to those
// who may not and with 404 to those who may. That it looks at the role first is
// an assumption, on which nothing depends but their answers.

// MayUpload tells whether the key's role can upload builds.
func (c *Client) MayUpload(ctx context.Context) (bool, error) {
	_, err := c.CommitBuildUploadFile(ctx, nobody)
	return may(err)
}

// MayDistribute tells whether the key's role can change builds, which giving
// them to testers takes: a Developer's cannot.
func (c *Client) MayDistribute(ctx context.Context) (bool, error) {
	_, err := c.ExpireBuild(ctx, nobody)
	return may(err)
}

// may reads the answer. A missing agreement forbids everything, and a method
// that is not offered says nothing about the role (F10).
func may(err error) (bool, error) {
	var apiErr *Error
	switch {
	case errors.As(err, &apiErr) && apiErr.HTTPStatus == http.StatusForbidden && strings.Contains(strings.ToLower(apiErr.Error()), "allowed operation"):
		return true, nil
	case errors.As(err, &apiErr) && IsForbidden(err) &&
		(apiErr.Has("FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED") || apiErr.Has("FORBIDDEN_ERROR.CONTRACT_NOT_VALID")):
		return false, err
	case IsForbidden(err):
		return false, nil
	case IsNotFound(err), err == nil:
		return true, nil
	}
	return false, err
}

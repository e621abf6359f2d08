package asc

import (
	"context"
	"iter"
	"net/http"
)

// An AppEncryptionDeclaration is what a team has declared about an app's
// encryption, once for many builds.
//
// https://developer.apple.com/documentation/appstoreconnectapi/appencryptiondeclaration
type AppEncryptionDeclaration struct {
	ID string
	// State is CREATED, IN_REVIEW, APPROVED, REJECTED, INVALID or EXPIRED.
	State string
}

// DeclarationApproved marks a declaration that builds can use.
const DeclarationApproved = "APPROVED"

type appEncryptionDeclarationAttributes struct {
	State string `json:"appEncryptionDeclarationState"`
}

func toAppEncryptionDeclaration(r resource[appEncryptionDeclarationAttributes], _ included) AppEncryptionDeclaration {
	return AppEncryptionDeclaration{ID: r.ID, State: r.Attributes.State}
}

// AppEncryptionDeclarations lists the declarations of an app.
func (c *Client) AppEncryptionDeclarations(ctx context.Context, appID string) iter.Seq2[AppEncryptionDeclaration, error] {
	return pages(ctx, c, "appEncryptionDeclarations", "/v1/appEncryptionDeclarations",
		values("filter[app]", appID, "limit", maxPageSize), toAppEncryptionDeclaration)
}

// AssignEncryptionDeclaration says that a declaration covers a build.
func (c *Client) AssignEncryptionDeclaration(ctx context.Context, buildID, declarationID string) error {
	return c.do(ctx, request{
		method: http.MethodPatch, path: "/v1/builds/" + segment(buildID) + "/relationships/appEncryptionDeclaration",
		body: payload{Data: linkage{Type: "appEncryptionDeclarations", ID: declarationID}},
	})
}

package asc

import (
	"context"
	"iter"
	"net/http"
)

// A BetaTester is a person who tests builds.
//
// https://developer.apple.com/documentation/appstoreconnectapi/betatester
type BetaTester struct {
	ID                         string
	Email, FirstName, LastName string
	// State is NOT_INVITED, INVITED, ACCEPTED, INSTALLED or REVOKED.
	State      string
	InviteType string
	// BetaGroupIDs are those of the groups that came along, at most 50.
	BetaGroupIDs []string
}

type betaTesterAttributes struct {
	Email      string `json:"email"`
	FirstName  string `json:"firstName"`
	LastName   string `json:"lastName"`
	State      string `json:"state"`
	InviteType string `json:"inviteType"`
}

func toBetaTester(r resource[betaTesterAttributes], _ included) BetaTester {
	return BetaTester{
		ID: r.ID, Email: r.Attributes.Email, FirstName: r.Attributes.FirstName, LastName: r.Attributes.LastName,
		State: r.Attributes.State, InviteType: r.Attributes.InviteType, BetaGroupIDs: r.many("betaGroups"),
	}
}

// A BetaTesterFilter narrows a list of testers. Empty fields do not narrow.
type BetaTesterFilter struct {
	AppID        string
	BetaGroupIDs []string
	Email        string
}

// BetaTesters lists testers with the ids of their groups.
func (c *Client) BetaTesters(ctx context.Context, filter BetaTesterFilter) iter.Seq2[BetaTester, error] {
	return pages(ctx, c, "betaTesters", "/v1/betaTesters", values(
		"filter[apps]", filter.AppID,
		"filter[betaGroups]", list(filter.BetaGroupIDs),
		"filter[email]", filter.Email,
		"include", "betaGroups",
		"limit[betaGroups]", "50",
		"limit", maxPageSize,
	), toBetaTester)
}

// IndividualTesters lists those who got a build by themselves.
func (c *Client) IndividualTesters(ctx context.Context, buildID string) iter.Seq2[BetaTester, error] {
	return pages(ctx, c, "betaTesters", "/v1/builds/"+segment(buildID)+"/individualTesters",
		values("limit", maxPageSize), toBetaTester)
}

// A NewBetaTester is what a tester needs.
type NewBetaTester struct {
	Email     string `json:"email"`
	FirstName string `json:"firstName,omitempty"`
	LastName  string `json:"lastName,omitempty"`
}

// CreateBetaTester makes a tester and adds it to groups, which invites it. A
// tester of the app with that address is refused with 409.
func (c *Client) CreateBetaTester(ctx context.Context, tester NewBetaTester, groupIDs []string) (BetaTester, error) {
	return call(ctx, c, request{method: http.MethodPost, path: "/v1/betaTesters", body: payload{Data: newResource{
		Type: "betaTesters", Attributes: tester, Relationships: map[string]link{"betaGroups": {Data: linkages("betaGroups", groupIDs).Data}},
	}}}, toBetaTester)
}

// RemoveTestersFromApp takes testers off all groups and builds of an app.
func (c *Client) RemoveTestersFromApp(ctx context.Context, appID string, testerIDs []string) error {
	return c.do(ctx, request{
		method: http.MethodDelete, path: "/v1/apps/" + segment(appID) + "/relationships/betaTesters",
		body: linkages("betaTesters", testerIDs),
	})
}

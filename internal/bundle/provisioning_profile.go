package bundle

import "time"

// A ProfileType says what a provisioning profile is for.
type ProfileType string

// The types of profile.
const (
	ProfileAppStore    ProfileType = "app-store"
	ProfileAdHoc       ProfileType = "ad-hoc"
	ProfileDevelopment ProfileType = "development"
	ProfileEnterprise  ProfileType = "enterprise"
	ProfileDeveloperID ProfileType = "developer-id"
)

// A Profile is an embedded.mobileprovision or embedded.provisionprofile.
type Profile struct {
	Path         string       `json:"path"`
	Name         string       `json:"name"`
	UUID         string       `json:"uuid"`
	Type         ProfileType  `json:"type"`
	Team         string       `json:"team"`
	TeamName     string       `json:"team_name"`
	AppID        string       `json:"app_id"`
	Platforms    []string     `json:"platforms"`
	Devices      int          `json:"devices"`
	Created      time.Time    `json:"created"`
	Expires      time.Time    `json:"expires"`
	Entitlements Entitlements `json:"entitlements"`
}

// profileList is the property list inside a profile.
type profileList struct {
	Name         text         `plist:"Name"`
	UUID         text         `plist:"UUID"`
	TeamName     text         `plist:"TeamName"`
	Team         texts        `plist:"TeamIdentifier"`
	Platform     texts        `plist:"Platform"`
	Devices      texts        `plist:"ProvisionedDevices"`
	AllDevices   flag         `plist:"ProvisionsAllDevices"`
	Created      time.Time    `plist:"CreationDate"`
	Expires      time.Time    `plist:"ExpirationDate"`
	Entitlements Entitlements `plist:"Entitlements"`
}

// parseProfile reads a profile: a property list in a signed message.
func parseProfile(message []byte) (*Profile, error) {
	content, _, err := parseCMS(message)
	if err != nil {
		return nil, err
	}
	return parseProfileList(content)
}

func parseProfileList(content []byte) (*Profile, error) {
	var list profileList
	if err := decodePlist(content, &list); err != nil {
		return nil, err
	}
	p := &Profile{
		Name: string(list.Name), UUID: string(list.UUID), TeamName: string(list.TeamName), Platforms: list.Platform[:min(len(list.Platform), maxPlatforms)],
		Devices: len(list.Devices), Created: list.Created, Expires: list.Expires, Entitlements: list.Entitlements,
	}
	if len(list.Team) > 0 {
		p.Team = list.Team[0]
	}
	if p.AppID = list.Entitlements.text("application-identifier"); p.AppID == "" {
		p.AppID = list.Entitlements.text("com.apple.application-identifier")
	}
	mac := list.Entitlements["com.apple.application-identifier"] != nil
	debug := list.Entitlements.flag("get-task-allow") || list.Entitlements.flag("com.apple.security.get-task-allow")
	switch {
	case bool(list.AllDevices) && mac:
		p.Type = ProfileDeveloperID
	case bool(list.AllDevices):
		p.Type = ProfileEnterprise
	case debug, mac && p.Devices > 0:
		p.Type = ProfileDevelopment
	case p.Devices > 0:
		p.Type = ProfileAdHoc
	default:
		p.Type = ProfileAppStore
	}
	return p, nil
}

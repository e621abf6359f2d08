package bundle

import (
	"fmt"
	"strconv"
	"strings"

	"howett.net/plist"
)

const (
	// maxPlist bounds an Info.plist, in bytes; real ones have a few KiB.
	maxPlist = 256 << 10
	// maxText bounds what is kept of a single value, in characters.
	maxText = 4 << 10
)

// infoPlist holds the keys of an Info.plist that matter here. The types accept
// whatever an old-style or hand-made list makes of a value.
type infoPlist struct {
	Identifier           text     `plist:"CFBundleIdentifier"`
	ShortVersion         text     `plist:"CFBundleShortVersionString"`
	BuildVersion         text     `plist:"CFBundleVersion"`
	DisplayName          text     `plist:"CFBundleDisplayName"`
	Name                 text     `plist:"CFBundleName"`
	PlatformName         text     `plist:"DTPlatformName"`
	SupportedPlatforms   texts    `plist:"CFBundleSupportedPlatforms"`
	MinimumOSVersion     text     `plist:"MinimumOSVersion"`
	MinimumSystemVersion text     `plist:"LSMinimumSystemVersion"`
	RequiresIPhoneOS     flag     `plist:"LSRequiresIPhoneOS"`
	NonExemptEncryption  optional `plist:"ITSAppUsesNonExemptEncryption"`

	Executable       text            `plist:"CFBundleExecutable"`
	SDKName          text            `plist:"DTSDKName"`
	SDKBuild         text            `plist:"DTSDKBuild"`
	Xcode            text            `plist:"DTXcode"`
	XcodeBuild       text            `plist:"DTXcodeBuild"`
	DeviceFamily     texts           `plist:"UIDeviceFamily"`
	LaunchStoryboard text            `plist:"UILaunchStoryboardName"`
	IconName         text            `plist:"CFBundleIconName"`
	IconFile         text            `plist:"CFBundleIconFile"`
	IconFiles        texts           `plist:"CFBundleIconFiles"`
	Icons            dict[icons]     `plist:"CFBundleIcons"`
	Extension        dict[extension] `plist:"NSExtension"`
	AppExtension     dict[extension] `plist:"EXAppExtensionAttributes"`
	CompanionApp     text            `plist:"WKCompanionAppBundleIdentifier"`
	Category         text            `plist:"LSApplicationCategoryType"`

	// keys are all keys, with the values that are no lists or dictionaries.
	keys map[string]text
}

type icons struct {
	Primary dict[struct {
		Name  text  `plist:"CFBundleIconName"`
		Files texts `plist:"CFBundleIconFiles"`
	}] `plist:"CFBundlePrimaryIcon"`
}

type extension struct {
	Point    text `plist:"NSExtensionPointIdentifier"`
	AppPoint text `plist:"EXExtensionPointIdentifier"`
}

// dict is a dictionary of which something else may have been made.
type dict[T any] struct{ is T }

func (d *dict[T]) UnmarshalPlist(unmarshal func(any) error) error {
	var is T
	if unmarshal(&is) == nil {
		d.is = is
	}
	return nil
}

// has tells whether there is a key, whatever its value.
func (p infoPlist) has(key string) bool {
	_, ok := p.keys[key]
	return ok
}

type text string

func (t *text) UnmarshalPlist(unmarshal func(any) error) error {
	*t = text(scalar(unmarshal))
	return nil
}

// texts is a list of strings; a single string counts as a list of one.
type texts []string

func (t *texts) UnmarshalPlist(unmarshal func(any) error) error {
	var value any
	if unmarshal(&value) != nil {
		return nil
	}
	if many, ok := value.([]any); ok {
		for _, one := range many {
			*t = append(*t, scalarOf(one))
		}
	} else if one := scalarOf(value); one != "" {
		*t = texts{one}
	}
	return nil
}

type flag bool

func (f *flag) UnmarshalPlist(unmarshal func(any) error) error {
	if b := parseFlag(scalar(unmarshal)); b != nil {
		*f = flag(*b)
	}
	return nil
}

type optional struct{ value *bool }

func (o *optional) UnmarshalPlist(unmarshal func(any) error) error {
	o.value = parseFlag(scalar(unmarshal))
	return nil
}

// scalar reads a string, boolean or number as text. It decodes into an open
// type, once: trying one type after the other takes longer by far for each
// value that has none of them. That references do not unfold without end is
// what [checkPlist] sees to.
func scalar(unmarshal func(any) error) string {
	var value any
	if unmarshal(&value) != nil {
		return ""
	}
	return scalarOf(value)
}

// scalarOf writes a value as text, "" if it is no string, boolean or number.
func scalarOf(value any) string {
	switch v := value.(type) {
	case string:
		return shorten(strings.TrimSpace(v), maxText)
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case plist.UID:
		return strconv.FormatUint(uint64(v), 10)
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 64)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func parseFlag(s string) *bool {
	var b bool
	switch strings.ToLower(s) {
	case "true", "yes", "1":
		b = true
	case "false", "no", "0":
	default:
		return nil
	}
	return &b
}

// decodePlist reads a binary, XML or old-style property list. The library is
// given hostile input, so a panic of it is an error here.
func decodePlist(content []byte, into any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not a property list: %s", clip(fmt.Sprint(r)))
		}
	}()
	if err := checkPlist(content); err != nil {
		return err
	}
	if _, err := plist.Unmarshal(content, into); err != nil {
		return fmt.Errorf("not a property list: %w", brief(err))
	}
	return nil
}

func parseInfoPlist(content []byte) (infoPlist, error) {
	var p infoPlist
	if err := decodePlist(content, &p); err != nil {
		return infoPlist{}, err
	}
	return p, nil
}

// UnmarshalPlist reads the keys that matter and the list of all, of a list that
// has been parsed once.
func (p *infoPlist) UnmarshalPlist(unmarshal func(any) error) error {
	type fields infoPlist
	if err := unmarshal((*fields)(p)); err != nil {
		return err
	}
	return unmarshal(&p.keys)
}

// fill copies what the app's Info.plist says into info.
func (p infoPlist) fill(info *Info) error {
	platform, err := platformOf(p)
	if err != nil {
		return err
	}
	info.BundleID = string(p.Identifier)
	info.ShortVersion = string(p.ShortVersion)
	info.BuildVersion = string(p.BuildVersion)
	info.Platform = platform
	info.Name = string(p.DisplayName)
	if info.Name == "" {
		info.Name = string(p.Name)
	}
	info.MinimumOS = string(p.MinimumOSVersion)
	if info.MinimumOS == "" {
		info.MinimumOS = string(p.MinimumSystemVersion)
	}
	info.UsesNonExemptEncryption = p.NonExemptEncryption.value
	return nil
}

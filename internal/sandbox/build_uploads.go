package sandbox

import (
	"fmt"
	"io"
	"strings"

	"github.com/ascend-cli/ascend/internal/bundle"
)

const (
	stateAwaiting   = "AWAITING_UPLOAD"
	stateProcessing = "PROCESSING"
	stateComplete   = "COMPLETE"
	stateFailed     = "FAILED"
)

func buildUploadKinds() map[string]kind {
	return map[string]kind{
		"buildUploads": {
			create:   (*Server).createBuildUpload,
			remove:   (*Server).removeBuildUpload,
			singular: "buildUpload",
			filters: map[string]func(*resource, string) bool{
				"state":                      func(upload *resource, value string) bool { return uploadState(upload) == value },
				"cfBundleVersion":            sameVersion("cfBundleVersion"),
				"cfBundleShortVersionString": sameVersion("cfBundleShortVersionString"),
			},
		},
		"buildUploadFiles": {create: (*Server).createBuildUploadFile, update: (*Server).commit},
	}
}

func uploadState(upload *resource) string {
	object, _ := upload.attrs["state"].(map[string]any)
	state, _ := object["state"].(string)
	return state
}

func stateObject(state string, errors, warnings []Detail) map[string]any {
	list := func(details []Detail) []any {
		out := []any{}
		for _, d := range details {
			out = append(out, map[string]any{"code": d.Code, "description": d.Description})
		}
		return out
	}
	return map[string]any{"state": state, "errors": list(errors), "warnings": list(warnings), "infos": []any{}}
}

func deliveryState(state string) map[string]any {
	return map[string]any{"state": state, "errors": []any{}, "warnings": []any{}}
}

func (s *Server) createBuildUpload(in input) (*resource, *refusal) {
	version, _ := in.attrs["cfBundleShortVersionString"].(string)
	number, _ := in.attrs["cfBundleVersion"].(string)
	platform, _ := in.attrs["platform"].(string)
	for name, value := range map[string]string{"cfBundleShortVersionString": version, "cfBundleVersion": number} {
		if strings.Trim(value, "0123456789.") != "" || value == "" || len(value) > 18 || strings.Count(value, ".") > 2 {
			return nil, invalidValue(name, value)
		}
	}
	previous := s.highestNumber(in.one["app"], version, platform)
	if previous != "" && bundle.CompareVersions(number, previous) <= 0 {
		refused := duplicate("cfBundleVersion")
		refused.detail = "The bundle version must be higher than the previously uploaded version."
		refused.meta = map[string]any{"previousBundleVersion": previous}
		return nil, refused
	}
	upload := s.db.add("buildUploads", newID()).set(
		"cfBundleShortVersionString", version, "cfBundleVersion", number, "platform", platform,
		"createdDate", stamp(s.options.Now()), "uploadedDate", nil, "state", stateObject(stateAwaiting, nil, nil),
	)
	upload.one["app"] = in.one["app"]
	return upload, nil
}

// highestNumber is the highest build number taken by builds and by uploads
// that were sent. A reservation without a binary takes none, a failed one
// gives its number back.
func (s *Server) highestNumber(appID, version, platform string) string {
	highest := ""
	consider := func(number string) {
		if highest == "" || bundle.CompareVersions(number, highest) > 0 {
			highest = number
		}
	}
	for _, upload := range s.db.all("buildUploads") {
		sent := uploadState(upload) == stateProcessing || uploadState(upload) == stateComplete
		same := bundle.SameVersion(upload.text("cfBundleShortVersionString"), version)
		if sent && same && upload.one["app"] == appID && upload.text("platform") == platform {
			consider(upload.text("cfBundleVersion"))
		}
	}
	for _, build := range s.buildsOf(appID, version, platform) {
		consider(build.text("version"))
	}
	return highest
}

// removeBuildUpload takes a build upload back, with its files, if it was not
// sent.
func (s *Server) removeBuildUpload(upload *resource) *refusal {
	if state := uploadState(upload); state != stateAwaiting && state != stateFailed {
		return wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "A build upload cannot be deleted in the state "+state+".")
	}
	for _, file := range s.filesOf(upload) {
		s.dropParts(file)
		s.db.remove(file)
	}
	return nil
}

func (s *Server) filesOf(upload *resource) []*resource {
	var files []*resource
	for _, file := range s.db.all("buildUploadFiles") {
		if file.one["buildUpload"] == upload.id {
			files = append(files, file)
		}
	}
	return files
}

// maxFileSize is the contract's maximum.
const maxFileSize = 1<<53 - 1

func (s *Server) createBuildUploadFile(in input) (*resource, *refusal) {
	upload := s.db.get("buildUploads", in.one["buildUpload"])
	if state := uploadState(upload); state != stateAwaiting {
		return nil, wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "The build upload is in the state "+state+".")
	}
	size, _ := in.attrs["fileSize"].(float64)
	if size < 1 || size > maxFileSize {
		return nil, badAttribute("fileSize", "ENTITY_ERROR.ATTRIBUTE.INVALID",
			"The file size must be between 1 and 9007199254740991")
	}
	if in.attrs["fileName"] == "" {
		return nil, badAttribute("fileName", "ENTITY_ERROR.ATTRIBUTE.INVALID", "The file name must not be empty")
	}
	for _, other := range s.filesOf(upload) {
		if other.attrs["assetType"] == in.attrs["assetType"] {
			return nil, wrongState("STATE_ERROR.ENTITY_STATE_INVALID",
				fmt.Sprintf("The build upload has a file of type %v already.", in.attrs["assetType"]))
		}
	}
	file := s.db.add("buildUploadFiles", newID())
	file.attrs = in.attrs
	file.set(
		"fileSize", int64(size), "assetDeliveryState", deliveryState(stateAwaiting), "assetToken", "PurpleSource/v4/"+newID(),
		"sourceFileChecksums", checksums(nil), "uploaded", nil,
	)
	file.one["buildUpload"] = upload.id
	relationships := map[any]string{
		"ASSET": "assetFile", "ASSET_DESCRIPTION": "assetDescriptionFile", "ASSET_SPI": "assetSpiFile",
	}
	upload.one[relationships[in.attrs["assetType"]]] = file.id
	s.planParts(file)
	return file, nil
}

// checksums are those of a file: the service works the composite one out itself
// (F23).
func checksums(composite map[string]any) map[string]any {
	if composite == nil {
		return map[string]any{"file": nil, "composite": nil}
	}
	return map[string]any{"file": nil, "composite": composite}
}

// commit takes uploaded:true when every part is there, and only then.
func (s *Server) commit(file *resource, in input) *refusal {
	if in.attrs["sourceFileChecksums"] != nil {
		return badAttribute("sourceFileChecksums", "ENTITY_ERROR.ATTRIBUTE.INVALID",
			"The provided value is not a valid value for the attribute 'sourceFileChecksums'")
	}
	if in.attrs["uploaded"] != true {
		return nil
	}
	object, _ := file.attrs["assetDeliveryState"].(map[string]any)
	if object["state"] != stateAwaiting {
		return wrongState("STATE_ERROR.ENTITY_STATE_INVALID", fmt.Sprintf("The file is in the state %v.", object["state"]))
	}
	if missing := s.missingParts(file); len(missing) > 0 {
		return wrongState("STATE_ERROR.ENTITY_STATE_INVALID",
			fmt.Sprintf("The file is not complete: parts %v have not been uploaded.", missing))
	}
	upload := s.db.get("buildUploads", file.one["buildUpload"])
	if file.attrs["assetType"] == "ASSET_DESCRIPTION" {
		if problem := s.descriptionProblem(upload, file); problem != "" {
			return wrongState("STATE_ERROR.VALIDATION_ERROR", problem)
		}
	}
	composite := map[string]any{"hash": s.composite(file), "algorithm": "MD5"}
	file.set("uploadOperations", nil, "sourceFileChecksums", checksums(composite))
	if file.attrs["assetType"] != "ASSET" {
		file.set("assetDeliveryState", deliveryState(stateComplete))
		return nil
	}
	now := s.options.Now()
	file.set("assetDeliveryState", deliveryState("UPLOAD_COMPLETE"))
	upload.set("state", stateObject(stateProcessing, nil, nil), "uploadedDate", stamp(now))
	upload.processedAt = now.Add(s.options.UploadProcessing)
	return nil
}

// maxDescription is the largest description that is looked at, in bytes.
const maxDescription = 8 << 20

// descriptionProblem is what is wrong with a description that was sent: the
// service checks it as it is committed.
func (s *Server) descriptionProblem(upload, file *resource) string {
	size := file.attrs["fileSize"].(int64)
	if size > maxDescription {
		return "The asset description is too large."
	}
	content := make([]byte, size)
	if _, err := s.reader(file).ReadAt(content, 0); err != nil && err != io.EOF {
		return "The asset description cannot be read."
	}
	d, err := bundle.ParseDescription(content)
	if err != nil {
		return "The asset description is not valid: " + err.Error()
	}
	bundleID := s.db.get("apps", upload.one["app"]).text("bundleId")
	why := d.Contradicts(bundleID, upload.text("cfBundleShortVersionString"), upload.text("cfBundleVersion"))
	if why != "" {
		return "The asset description is not that of the build upload: " + why
	}
	return ""
}

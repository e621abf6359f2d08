package asc

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// A BuildUploadFile is one file of a build upload: the package itself, or a
// description of it.
//
// https://developer.apple.com/documentation/appstoreconnectapi/builduploadfile
type BuildUploadFile struct {
	ID        string
	AssetType string
	FileName  string
	// FileSize is in bytes.
	FileSize int64
	UTI      string
	// DeliveryState is AWAITING_UPLOAD, UPLOAD_COMPLETE, COMPLETE or FAILED.
	DeliveryState    string
	DeliveryErrors   []StateDetail
	DeliveryWarnings []StateDetail
	// SourceFileChecksums are empty until the commit. In the reply to it the
	// service fills in Composite with an MD5 that it worked out itself, although
	// the client sent none, and leaves File empty.
	SourceFileChecksums Checksums
	// UploadOperations say how to send the file, in no particular order. They
	// are gone after the commit.
	UploadOperations []UploadOperation
}

// Checksums are those of a committed file: of its content as a whole, and of
// the parts it was sent in. Either is empty if the service does not tell.
//
// https://developer.apple.com/documentation/appstoreconnectapi/checksums
type Checksums struct {
	File, Composite Checksum
}

// A Checksum is a hash with the name of its algorithm, such as "MD5".
type Checksum struct {
	Hash      string `json:"hash"`
	Algorithm string `json:"algorithm"`
}

// UnmarshalJSON takes what is there. A checksum of another form is none: it
// must not fail an upload.
func (c *Checksums) UnmarshalJSON(raw []byte) error {
	object := fields(raw)
	read := func(name string) (sum Checksum) {
		if json.Unmarshal(object[name], &sum) != nil {
			return Checksum{}
		}
		return sum
	}
	*c = Checksums{File: read("file"), Composite: read("composite")}
	return nil
}

// An UploadOperation is one request that carries one part of a file to the
// object store.
//
// https://developer.apple.com/documentation/appstoreconnectapi/deliveryfileuploadoperation
type UploadOperation struct {
	Method     string
	URL        string
	Offset     int64
	Length     int64
	PartNumber int64
	// EntityTag is the MD5 of the part that is already there, in hex. Before
	// that it is empty or a placeholder, such as the "tag" of a reservation that
	// was recorded: only a tag in the form of an MD5 acknowledges a part. The
	// field is in the contract; that it fills as parts arrive was observed with
	// Apple's own uploader.
	EntityTag string
	// Expiration is zero if the service does not say.
	Expiration time.Time
	Headers    []Header
}

// A Header is a header to be sent with an upload operation.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// The asset types of a build upload file.
const (
	AssetPackage     = "ASSET"
	AssetDescription = "ASSET_DESCRIPTION"
)

// The uniform type identifiers that the service knows for a package.
const (
	UTIIpa = "com.apple.ipa"
	UTIPkg = "com.apple.pkg"
	UTIZip = "com.pkware.zip-archive"
	// Those of an asset description.
	UTIBinaryPlist = "com.apple.binary-property-list"
	UTIXMLPlist    = "com.apple.xml-property-list"
)

// The delivery states of a build upload file.
const (
	FileAwaiting       = "AWAITING_UPLOAD"
	FileUploadComplete = "UPLOAD_COMPLETE"
	FileComplete       = "COMPLETE"
	FileFailed         = "FAILED"
)

type buildUploadFileAttributes struct {
	AssetType          string `json:"assetType"`
	FileName           string `json:"fileName"`
	FileSize           int64  `json:"fileSize"`
	UTI                string `json:"uti"`
	AssetDeliveryState struct {
		State    string        `json:"state"`
		Errors   []StateDetail `json:"errors"`
		Warnings []StateDetail `json:"warnings"`
	} `json:"assetDeliveryState"`
	SourceFileChecksums Checksums `json:"sourceFileChecksums"`
	UploadOperations    []struct {
		Method         string   `json:"method"`
		URL            string   `json:"url"`
		Offset         int64    `json:"offset"`
		Length         int64    `json:"length"`
		PartNumber     int64    `json:"partNumber"`
		EntityTag      string   `json:"entityTag"`
		Expiration     date     `json:"expiration"`
		RequestHeaders []Header `json:"requestHeaders"`
	} `json:"uploadOperations"`
}

func toBuildUploadFile(r resource[buildUploadFileAttributes], _ included) BuildUploadFile {
	a := r.Attributes
	file := BuildUploadFile{
		ID: r.ID, AssetType: a.AssetType, FileName: a.FileName, FileSize: a.FileSize, UTI: a.UTI,
		DeliveryState:       a.AssetDeliveryState.State,
		DeliveryErrors:      a.AssetDeliveryState.Errors,
		DeliveryWarnings:    a.AssetDeliveryState.Warnings,
		SourceFileChecksums: a.SourceFileChecksums,
	}
	for _, op := range a.UploadOperations {
		file.UploadOperations = append(file.UploadOperations, UploadOperation{
			Method: op.Method, URL: op.URL, Offset: op.Offset, Length: op.Length, PartNumber: op.PartNumber,
			EntityTag: op.EntityTag, Expiration: op.Expiration.Time, Headers: op.RequestHeaders,
		})
	}
	return file
}

// A NewBuildUploadFile is what the reservation of a file needs.
type NewBuildUploadFile struct {
	// AssetType is [AssetPackage] or another asset type of the contract.
	AssetType string `json:"assetType"`
	FileName  string `json:"fileName"`
	// FileSize is in bytes, at least 1.
	FileSize int64  `json:"fileSize"`
	UTI      string `json:"uti"`
}

// CreateBuildUploadFile reserves a file of a build upload and returns the
// operations that send it. It is never repeated after an unclear failure; see
// [IsUnclear] and [Client.BuildUploadFiles].
func (c *Client) CreateBuildUploadFile(ctx context.Context, buildUploadID string, file NewBuildUploadFile) (BuildUploadFile, error) {
	return call(ctx, c, request{method: http.MethodPost, path: "/v1/buildUploadFiles", body: payload{Data: newResource{
		Type: "buildUploadFiles", Attributes: file, Relationships: map[string]link{"buildUpload": toOne("buildUploads", buildUploadID)},
	}}}, toBuildUploadFile)
}

// BuildUploadFiles lists the files of a build upload.
func (c *Client) BuildUploadFiles(ctx context.Context, buildUploadID string) iter.Seq2[BuildUploadFile, error] {
	return pages(ctx, c, "buildUploadFiles", "/v1/buildUploads/"+segment(buildUploadID)+"/buildUploadFiles",
		values("limit", maxPageSize), toBuildUploadFile)
}

// BuildUploadFile returns a file with its operations and their entity tags.
func (c *Client) BuildUploadFile(ctx context.Context, id string) (BuildUploadFile, error) {
	return get(ctx, c, "buildUploadFiles", id, nil, toBuildUploadFile)
}

// CommitBuildUploadFile tells the service that every part is there. The body
// says uploaded and nothing else: sourceFileChecksums, though in the contract,
// was seen to be refused. It may take two minutes, and is never repeated after
// an unclear failure.
func (c *Client) CommitBuildUploadFile(ctx context.Context, id string) (BuildUploadFile, error) {
	return call(ctx, c, request{
		method: http.MethodPatch, path: "/v1/buildUploadFiles/" + segment(id), once: true, timeout: commitTimeout,
		body: payload{Data: newResource{
			Type: "buildUploadFiles", ID: id, Attributes: struct {
				Uploaded bool `json:"uploaded"`
			}{true},
		}},
	}, toBuildUploadFile)
}

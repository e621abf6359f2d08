package bundle

import "fmt"

// privacyList is the part of a privacy manifest that Apple checks.
type privacyList struct {
	APIs []struct {
		Type    text  `plist:"NSPrivacyAccessedAPIType"`
		Reasons texts `plist:"NSPrivacyAccessedAPITypeReasons"`
	} `plist:"NSPrivacyAccessedAPITypes"`
}

// manifestProblem says what is wrong with a privacy manifest, or "".
func manifestProblem(c *contents, f file) string {
	content, err := c.read(f, maxManifest)
	if err != nil {
		return "" // it is there; that it could not be read here is not its fault
	}
	var list privacyList
	if err := decodePlist(content, &list); err != nil {
		return err.Error()
	}
	for _, api := range list.APIs {
		switch {
		case api.Type == "":
			return "an entry of NSPrivacyAccessedAPITypes has no NSPrivacyAccessedAPIType"
		case len(api.Reasons) == 0:
			return fmt.Sprintf("%s has no NSPrivacyAccessedAPITypeReasons", clip(string(api.Type)))
		}
	}
	return ""
}

// listedSDKs are the third-party SDKs that have to bring a privacy manifest
// when they are part of an app, by the names of their frameworks and resource
// bundles (Apple, "Upcoming third-party SDK requirements", as of 2025).
var listedSDKs = []string{
	"Abseil", "absl", "AFNetworking", "Alamofire", "AppAuth", "BoringSSL", "openssl_grpc", "Capacitor", "Charts", "connectivity_plus", "Cordova",
	"device_info_plus", "DKImagePickerController", "DKPhotoGallery", "FBAEMKit", "FBLPromises", "FBSDKCoreKit", "FBSDKCoreKit_Basics",
	"FBSDKLoginKit", "FBSDKShareKit", "file_picker", "FirebaseABTesting", "FirebaseAuth", "FirebaseCore", "FirebaseCoreDiagnostics",
	"FirebaseCoreExtension", "FirebaseCoreInternal", "FirebaseCrashlytics", "FirebaseDynamicLinks", "FirebaseFirestore", "FirebaseInstallations",
	"FirebaseMessaging", "FirebaseRemoteConfig", "Flutter", "flutter_inappwebview", "flutter_local_notifications", "fluttertoast", "FMDB",
	"geolocator_apple", "GoogleDataTransport", "GoogleSignIn", "GoogleToolboxForMac", "GoogleUtilities", "grpc", "grpcpp", "GTMAppAuth",
	"GTMSessionFetcher", "hermes", "image_picker_ios", "IQKeyboardManager", "IQKeyboardManagerSwift", "Kingfisher", "leveldb", "Lottie",
	"MBProgressHUD", "nanopb", "OneSignal", "OneSignalCore", "OneSignalExtension", "OneSignalOutcomes", "OpenSSL", "OrderedSet", "package_info",
	"package_info_plus", "path_provider", "path_provider_ios", "Promises", "Protobuf", "Reachability", "RealmSwift", "RxCocoa", "RxRelay",
	"RxSwift", "SDWebImage", "share_plus", "shared_preferences_ios", "SnapKit", "sqflite", "Starscream", "SVProgressHUD", "SwiftyGif",
	"SwiftyJSON", "Toast", "UnityFramework", "url_launcher", "url_launcher_ios", "video_player_avfoundation", "wakelock", "webview_flutter_wkwebview",
}

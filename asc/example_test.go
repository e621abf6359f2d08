package asc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/ascend-cli/ascend/asc"
)

// Example lists the apps that a key can see. The server stands in for
// App Store Connect: without URL, a client talks to Apple.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"data":[{"type":"apps","id":"6700000001","attributes":{"bundleId":"com.example.demo","name":"Demo"}}],"links":{"self":"x"}}`)
	}))
	defer server.Close()

	key, err := asc.NewKey("ABC1234567", "57246542-96fe-1a63-e053-0824d011072a", examplePEM())
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := asc.NewClient(asc.Options{Key: key, URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	for app, err := range client.Apps(context.Background(), "") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(app.BundleID, app.ID)
	}
	// Output: com.example.demo 6700000001
}

// ExampleIsNotFound tells kinds of refusals apart.
func ExampleIsNotFound() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"errors":[{"status":"404","code":"NOT_FOUND","title":"The specified resource does not exist","detail":"There is no resource of type 'builds' with id '1'"}]}`)
	}))
	defer server.Close()
	client, err := exampleClient(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Build(context.Background(), "1")
	fmt.Println(asc.IsNotFound(err))
	// Output: true
}

func exampleClient(url string) (*asc.Client, error) {
	key, err := asc.NewKey("ABC1234567", "57246542-96fe-1a63-e053-0824d011072a", examplePEM())
	if err != nil {
		return nil, err
	}
	return asc.NewClient(asc.Options{Key: key, URL: url})
}

// examplePEM makes a key like those of App Store Connect.
func examplePEM() string {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

func configFlag() []cli.Flag {
	return under(settingsCategory, &cli.StringFlag{Name: "config", Usage: "YAML `FILE` with values for flags; flags and variables win (docs/ascend.schema.json describes it)"})
}

// structured are keys of a configuration file that hold objects, and the flags
// that take them as JSON.
var structured = map[string]string{"what_to_test": "what-to-test-json", "app_info": "app-info-json", "review_info": "review-info-json", "app_clips": "app-clips-json"}

// notInConfig are flags that a configuration file cannot set.
var notInConfig = []string{"config", "key", "help", "what-to-test-json", "app-info-json", "review-info-json", "app-clips-json"}

// configKey is the key of a flag.
func configKey(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// configure sets flags from the file that --config names, where neither the
// command line nor a variable has.
func (p *program) configure(c *cli.Context) error {
	path := c.String("config")
	if path == "" {
		return nil
	}
	file, err := os.Open(p.expand(path))
	if err != nil {
		return usagef("", "--config: %v", err)
	}
	defer file.Close()
	var values map[string]yaml.Node
	if err := yaml.NewDecoder(io.LimitReader(file, maxText)).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return usagef("", "--config %s: %v", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	for key, node := range values {
		if err := p.setFromConfig(c, key, node); err != nil {
			if failure.KindOf(err) == failure.Auth {
				return err
			}
			return usagef(hintOf(err), "--config %s, line %d: %v", path, node.Line, err)
		}
	}
	return nil
}

// configError is a mistake in a configuration file with what would be right.
type configError struct{ message, hint string }

func (e *configError) Error() string { return e.message }

func hintOf(err error) string {
	var e *configError
	if errors.As(err, &e) {
		return e.hint
	}
	return ""
}

func (p *program) setFromConfig(c *cli.Context, key string, node yaml.Node) error {
	name := strings.ReplaceAll(key, "_", "-")
	if nodeHoldsKey(&node) {
		return misplaced(configKey(key) + " in a configuration file")
	}
	if flag, ok := structured[configKey(key)]; ok && node.Kind != yaml.ScalarNode {
		if c.IsSet(flag) || name == "what-to-test" && c.IsSet(name) {
			return nil
		}
		var object any
		if err := node.Decode(&object); err != nil {
			return err
		}
		text, err := json.Marshal(object)
		if err != nil {
			return err
		}
		return c.Set(flag, string(text))
	}
	flag := findFlag(c.Command.Flags, name)
	if flag == nil || slices.Contains(notInConfig, name) {
		return p.unknownKey(c, key)
	}
	if c.IsSet(name) {
		return nil
	}
	if _, list := flag.(*cli.StringSliceFlag); list {
		var items []string
		if node.Kind == yaml.ScalarNode {
			items = []string{node.Value}
		} else if err := node.Decode(&items); err != nil {
			return &configError{key + " takes a list", ""}
		} else {
			for i, item := range items {
				items[i] = strings.ReplaceAll(item, ",", `\,`) // an item of a list is one
			}
		}
		for _, item := range items {
			if err := c.Set(name, item); err != nil {
				return err
			}
		}
		return nil
	}
	if node.Kind != yaml.ScalarNode {
		return &configError{key + " takes a single value", ""}
	}
	if node.Tag == "!!null" {
		return nil
	}
	if kind := takes(findFlag(c.Command.Flags, name), node.Value); kind != "" {
		return &configError{fmt.Sprintf("%s takes %s, not %q", key, kind, node.Value), ""}
	}
	return c.Set(name, node.Value)
}

// nodeHoldsKey looks at all texts of a value.
func nodeHoldsKey(node *yaml.Node) bool {
	return asc.HoldsPrivateKey(node.Value) || slices.ContainsFunc(node.Content, nodeHoldsKey)
}

func (p *program) unknownKey(c *cli.Context, key string) error {
	if key == "key" {
		return &configError{"a private key does not belong into a file like this", "give it in ASCEND_KEY, or name its file with key_file"}
	}
	keys := configKeys(c.Command.Flags)
	return &configError{fmt.Sprintf("there is no key %q", key), didYouMean(keys, key, "") + "the keys are " + strings.Join(keys, ", ")}
}

// configKeys are all keys that a command's configuration may have, in order.
func configKeys(flags []cli.Flag) []string {
	keys := []string{"app_clips", "app_info", "review_info"}
	for _, f := range flags {
		if name := f.Names()[0]; !slices.Contains(notInConfig, name) {
			keys = append(keys, configKey(name))
		}
	}
	slices.Sort(keys)
	return keys
}

// configSchema is the JSON Schema of configuration files, made from the flags
// of the commands that take one.
func configSchema(commands ...*cli.Command) map[string]any {
	properties := map[string]any{
		"app_info":    map[string]any{"type": "object", "description": "what testers read about the app, by locale or for default", "additionalProperties": map[string]any{"type": "object"}},
		"review_info": map[string]any{"type": "object", "description": "what beta review needs to know"},
		"app_clips":   map[string]any{"type": "array", "description": "invocations of the app clip: url, and title by locale", "items": map[string]any{"type": "object"}},
	}
	for _, command := range commands {
		for _, f := range command.Flags {
			name := f.Names()[0]
			if slices.Contains(notInConfig, name) {
				continue
			}
			kind := map[string]any{"type": "string"}
			switch f.(type) {
			case *cli.BoolFlag:
				kind = map[string]any{"type": "boolean"}
			case *cli.IntFlag:
				kind = map[string]any{"type": "integer"}
			case *cli.StringSliceFlag:
				kind = map[string]any{"type": []string{"array", "string"}, "items": map[string]any{"type": "string"}}
			}
			if name == "what-to-test" {
				kind = map[string]any{"type": []string{"string", "object"}, "additionalProperties": map[string]any{"type": "string"}}
			}
			if documented, ok := f.(interface{ GetUsage() string }); ok {
				kind["description"] = strings.ReplaceAll(documented.GetUsage(), "`", "")
			}
			properties[configKey(name)] = kind
		}
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ascend", "description": "values for the flags of ascend upload and ascend distribute",
		"type": "object", "additionalProperties": false, "properties": properties,
	}
}

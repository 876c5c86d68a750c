//go:build infra

package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

func TestAPIs(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		stages := made.named("AWS::ApiGatewayV2::Stage", "Properties")
		t.Run("throttle the tools and never an opt-out", func(t *testing.T) {
			throttles := map[string]any{}
			for _, route := range names.ToolRoutes() {
				throttles["POST "+route] = map[string]any{"ThrottlingRateLimit": 100.0, "ThrottlingBurstLimit": 200.0}
			}
			for _, method := range []string{"POST ", "GET "} {
				throttles[method+names.RouteHook] = map[string]any{"ThrottlingRateLimit": 100.0, "ThrottlingBurstLimit": 200.0}
			}
			want := map[string]any{"linksstage": nil, "toolsstage": throttles}
			if diff := cmp.Diff(want, made.named("AWS::ApiGatewayV2::Stage", "Properties", "RouteSettings")); diff != "" {
				t.Error(diff)
			}
			if shared := made.named("AWS::ApiGatewayV2::Stage", "Properties", "DefaultRouteSettings"); shared["toolsstage"] != nil || shared["linksstage"] != nil {
				t.Errorf("a throttle is shared: %v", shared)
			}
			for stage, resource := range made.resources {
				for route := range made.resources {
					if strings.HasPrefix(stage, "toolsstage") && made.resources[stage]["Type"] == "AWS::ApiGatewayV2::Stage" &&
						made.resources[route]["Type"] == "AWS::ApiGatewayV2::Route" && strings.HasPrefix(route, "toolsapi") &&
						!slices.Contains(listOf(resource["DependsOn"]), any(route)) {
						t.Errorf("the stage is made before its route %s", route)
					}
				}
			}
		})
		t.Run("log neither tokens nor callers", func(t *testing.T) {
			for name, stage := range stages {
				var format map[string]string
				if err := json.Unmarshal([]byte(dig(stage, "AccessLogSettings", "Format").(string)), &format); err != nil {
					t.Fatal(err)
				}
				if format[names.MetricStack] != "stille" {
					t.Errorf("%s: of the stack %q", name, format[names.MetricStack])
				}
				delete(format, names.MetricStack)
				want := []string{"$context.requestId", "$context.requestTime", "$context.responseLatency",
					"$context.responseLength", "$context.routeKey", "$context.status"}
				if diff := cmp.Diff(want, slices.Sorted(maps.Values(format))); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
		t.Run("lead every route to its function", func(t *testing.T) {
			var got []string
			for _, route := range made.named("AWS::ApiGatewayV2::Route", "Properties") {
				integration := strings.TrimPrefix(made.integrationOf(route), "integrations/")
				got = append(got, made.text(dig(route, "ApiId"))+" "+dig(route, "RouteKey").(string)+" -> "+integration)
			}
			slices.Sort(got)
			want := []string{
				"stille-links-api $default -> stille-unsubscribe-email",
				"stille-links-api ANY /e/{token+} -> stille-unsubscribe-email",
				"stille-links-api ANY /s/{token+} -> stille-unsubscribe-sms",
				"stille-tools-api GET /in/{provider}/{scope+} -> stille-hook",
				"stille-tools-api POST /in/{provider}/{scope+} -> stille-hook",
				"stille-tools-api POST /v1/check -> stille-check",
				"stille-tools-api POST /v1/links -> stille-mint",
				"stille-tools-api POST /v1/records -> stille-store-records",
				"stille-tools-api POST /v1/records/ended -> stille-end-records",
				"stille-tools-api POST /v1/suppressions -> stille-suppress",
				"stille-tools-api POST /v1/suppressions/release -> stille-release",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("have fixed addresses in the emulator only", func(t *testing.T) {
		for name, tags := range production().named("AWS::ApiGatewayV2::Api", "Properties", "Tags") {
			if tags != nil {
				t.Errorf("%s: %v", name, tags)
			}
		}
		want := map[string]any{"stille-links-api": "57111e01", "stille-tools-api": "57111e02"}
		if diff := cmp.Diff(want, local().named("AWS::ApiGatewayV2::Api", "Properties", "Tags", "ms-custom-id")); diff != "" {
			t.Error(diff)
		}
	})
}

// integrationOf is the function that a route ends at.
func (t template) integrationOf(route any) string {
	for _, part := range dig(route, "Target", "Fn::Join").([]any)[1].([]any) {
		if id, ok := dig(part, "Ref").(string); ok {
			return t.text(dig(t.resources[id], "Properties", "IntegrationUri"))
		}
	}
	return ""
}

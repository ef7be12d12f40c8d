// The generated Go client against a running server, whose URL is in FOOTFALL_URL: each RPC, by each protocol.
package client_test

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"connectrpc.com/connect"

	analyticsv1 "footfall/gen/go/analytics/v1"
	"footfall/gen/go/analytics/v1/analyticsv1connect"
)

func TestEveryProtocol(t *testing.T) {
	url := os.Getenv("FOOTFALL_URL")
	if url == "" {
		t.Fatal("FOOTFALL_URL must name a running server")
	}
	// gRPC needs HTTP/2, here in clear text.
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	h2c := &http.Client{Transport: &http.Transport{Protocols: protocols}}

	for name, client := range map[string]analyticsv1connect.AnalyticsServiceClient{
		"go-connect":      analyticsv1connect.NewAnalyticsServiceClient(http.DefaultClient, url),
		"go-connect-json": analyticsv1connect.NewAnalyticsServiceClient(http.DefaultClient, url, connect.WithProtoJSON()),
		"go-connect-get":  analyticsv1connect.NewAnalyticsServiceClient(http.DefaultClient, url, connect.WithHTTPGet()),
		"go-gzip":         analyticsv1connect.NewAnalyticsServiceClient(http.DefaultClient, url, connect.WithSendGzip()),
		"go-grpc":         analyticsv1connect.NewAnalyticsServiceClient(h2c, url, connect.WithGRPC()),
		"go-grpc-web":     analyticsv1connect.NewAnalyticsServiceClient(http.DefaultClient, url, connect.WithGRPCWeb()),
	} {
		t.Run(name, func(t *testing.T) { countEvents(t, client, name) })
	}
}

// countEvents stores four views of a site, one of them sent twice, and reads its statistics.
func countEvents(t *testing.T, client analyticsv1connect.AnalyticsServiceClient, site string) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	event := func(id string) *analyticsv1.IngestEventRequest {
		return &analyticsv1.IngestEventRequest{
			SiteId: site, EventType: "page_view", Path: "/pricing", UserId: "u", EventId: id,
		}
	}
	one, err := client.IngestEvent(ctx, connect.NewRequest(event("1")))
	if err != nil {
		t.Fatal(err)
	}
	if one.Msg.Message != "Event received" || one.Msg.EventId != "1" {
		t.Errorf("IngestEvent answered %v", one.Msg)
	}
	batch, err := client.IngestEvents(ctx, connect.NewRequest(&analyticsv1.IngestEventsRequest{
		Events: []*analyticsv1.IngestEventRequest{event("1"), event("2"), {SiteId: site}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if batch.Msg.AcceptedCount != 2 || len(batch.Msg.Rejected) != 1 || batch.Msg.Rejected[0].Index != 2 {
		t.Errorf("IngestEvents answered %v", batch.Msg)
	}
	stream := client.IngestEventStream(ctx)
	for _, id := range []string{"3", "4"} {
		request := &analyticsv1.IngestEventStreamRequest{Events: []*analyticsv1.IngestEventRequest{event(id)}}
		if err := stream.Send(request); err != nil {
			t.Fatal(err)
		}
	}
	streamed, err := stream.CloseAndReceive()
	if err != nil {
		t.Fatal(err)
	}
	if streamed.Msg.AcceptedCount != 2 {
		t.Errorf("IngestEventStream answered %v", streamed.Msg)
	}
	for {
		stats, err := client.GetStats(ctx, connect.NewRequest(&analyticsv1.GetStatsRequest{SiteId: site}))
		if err != nil {
			t.Fatal(err)
		}
		if stats.Msg.TotalViews < 4 {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if stats.Msg.TotalViews != 4 || stats.Msg.UniqueUsers != 1 || stats.Msg.TopPaths[0].Views != 4 {
			t.Errorf("GetStats answered %v", stats.Msg)
		}
		break
	}
	_, err = client.IngestEvent(ctx, connect.NewRequest(&analyticsv1.IngestEventRequest{SiteId: site}))
	if connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("an event without a type: %v", err)
	}
}

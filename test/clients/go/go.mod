module footfall/test/clients/go

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	footfall/gen/go v0.0.0
)

require google.golang.org/protobuf v1.36.12 // indirect

replace footfall/gen/go => ../../../gen/go

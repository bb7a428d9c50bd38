"""A WebSocket server on loopback that plays a recorded Coinbase session: for demo, tests and benchmarks only."""

"""A local replica of the public archive of Binance USDT-margined futures 1-minute daily klines.

For the demo, the tests and the benchmarks. The pipeline never imports it, and it imports nothing of the pipeline.
"""

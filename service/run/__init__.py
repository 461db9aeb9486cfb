"""The run reading: what may this patient have, today? Forward chaining on durable-rules."""

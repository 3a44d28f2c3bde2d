"""Layer 4: the engine, which is everything between the keyspace and the commands: sessions, dispatch, specs, tasks."""

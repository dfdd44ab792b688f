//! Pipelines, sources, operators, sinks, scans and writers.

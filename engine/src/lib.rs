//! Session: parse, analyze, optimize, plan, run.

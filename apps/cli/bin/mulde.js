#!/usr/bin/env node
import { hearSignals } from "../dist/signals.js";

// First, since the import takes a quarter of a second.
hearSignals();
await import("../dist/main.js");

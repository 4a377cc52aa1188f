"""Where bytes come from: a folder, a zip, memory, a deflated stream; bounded and safe."""

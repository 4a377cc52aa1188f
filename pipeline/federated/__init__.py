"""Train one network at several sites whose scans stay where they are; weights alone travel."""

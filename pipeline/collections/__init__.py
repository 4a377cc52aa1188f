"""Other people's marked scans as data lists: what a collection marks, cut out, divided by patients, leaks refused."""

"""An application for MONAI Deploy: a study comes in, its marked nodules are scored, the files of results go out."""

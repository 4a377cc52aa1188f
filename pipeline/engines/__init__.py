"""What runs a bundle's network: torch, as its config says, or an export of it, without torch and MONAI."""

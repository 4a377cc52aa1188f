"""What a scan's voxels about a nodule measure, without a network: its noise, the nodule's volume and axes."""

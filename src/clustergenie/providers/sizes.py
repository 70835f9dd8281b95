"""List the sizes and images every driver of ours without a catalog of its own offers."""

import msgspec

from clustergenie.providers.driver import Image, Size

SIZES = (
    Size(slug="s-1vcpu-512mb-10gb", name="1 vCPU, 512 MB", vcpus=1, memory_mb=512, disk_gb=10, hourly_usd_micros=5_950),
    Size(slug="s-1vcpu-1gb", name="1 vCPU, 1 GB", vcpus=1, memory_mb=1024, disk_gb=25, hourly_usd_micros=8_930),
    Size(slug="s-1vcpu-2gb", name="1 vCPU, 2 GB", vcpus=1, memory_mb=2048, disk_gb=50, hourly_usd_micros=17_860),
    Size(slug="s-2vcpu-2gb", name="2 vCPUs, 2 GB", vcpus=2, memory_mb=2048, disk_gb=60, hourly_usd_micros=26_790),
    Size(slug="s-2vcpu-4gb", name="2 vCPUs, 4 GB", vcpus=2, memory_mb=4096, disk_gb=80, hourly_usd_micros=35_710),
    Size(slug="s-4vcpu-8gb", name="4 vCPUs, 8 GB", vcpus=4, memory_mb=8192, disk_gb=160, hourly_usd_micros=71_430),
)
FREE_SIZES = tuple(msgspec.structs.replace(size, hourly_usd_micros=0) for size in SIZES)
IMAGES = (
    Image(slug="ubuntu-24-04-x64", name="Ubuntu 24.04 LTS"),
    Image(slug="ubuntu-22-04-x64", name="Ubuntu 22.04 LTS"),
    Image(slug="debian-12-x64", name="Debian 12"),
)

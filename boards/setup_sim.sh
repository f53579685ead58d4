#!/bin/sh
# Simulators and compilers for boards/: `make setup-sim`. Installs Debian packages where it runs as root, else says
# which are missing. $PYTHON: of the environment that PlatformIO is in. $MSP430_TOOLCHAIN: an archive with
# msp430-elf-gcc and msp430-elf-run, unpacked into .toolchains/. What is done already is not done again.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
packages="gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm mspdebug"
# What the programs of an msp430-elf archive are linked with.
libraries="libmpc3 libmpfr6 libgmp10 libzstd1"
unpack=no

plan_msp430() {
  if command -v msp430-elf-gcc >/dev/null; then
    return
  elif ls "$root"/.toolchains/*/bin/msp430-elf-gcc >/dev/null 2>&1; then
    packages="$packages $libraries"
  elif [ -f "${MSP430_TOOLCHAIN:-}" ]; then
    packages="$packages $libraries xz-utils"
    unpack=yes
  else
    echo "setup-sim: no msp430-elf-gcc. For msp430fr5994_sim and launchpad_fr5994 put TI's MSP430-GCC-OPENSOURCE on" \
      "PATH, or run: make setup-sim MSP430_TOOLCHAIN=ARCHIVE"
  fi
}

install_packages() {
  missing=""
  for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  if [ -z "$missing" ]; then
    return
  elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup-sim: installing$missing"
    apt-get -qq update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y $missing >/dev/null
  else
    echo "setup-sim: please install these Debian packages, or what they hold: sudo apt-get install$missing"
  fi
}

plan_msp430
install_packages
if [ $unpack = yes ]; then
  echo "setup-sim: unpacking $MSP430_TOOLCHAIN into .toolchains/"
  mkdir -p "$root/.toolchains"
  tar -xf "$MSP430_TOOLCHAIN" -C "$root/.toolchains"
fi
"$PYTHON" "$root/boards/platform/builder/setup_scons.py"

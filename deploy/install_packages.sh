#!/usr/bin/env bash
# The one list of Debian packages, by what they are for. Installs those that are missing and does
# nothing, without privilege, if there are none.
#
#   deploy/install_packages.sh build            what building the router needs
#   deploy/install_packages.sh build check      and what tests/run.sh needs
#   deploy/install_packages.sh --list build     only prints the names
set -euo pipefail

packages_build=(
  ca-certificates g++ cmake ninja-build ccache git
  libboost1.81-dev libsodium-dev libyaml-cpp-dev prometheus-cpp-dev android-libboringssl-dev
  libgtest-dev libgmock-dev
)
packages_check=(
  clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev libbenchmark-dev python3 shellcheck
)
packages_interop=(
  wireguard-go wireguard-tools iproute2 procps util-linux
  curl iperf3 bind9-dnsutils iputils-ping traceroute openssl
)
packages_browser=(chromium nodejs npm python3)

usage() {
  echo "usage: ${0##*/} [--list] build|check|interop|browser..." >&2
  exit 2
}

list_only=false
wanted=()
for argument in "$@"; do
  case $argument in
    --list) list_only=true ;;
    build) wanted+=("${packages_build[@]}") ;;
    check) wanted+=("${packages_check[@]}") ;;
    interop) wanted+=("${packages_interop[@]}") ;;
    browser) wanted+=("${packages_browser[@]}") ;;
    *) usage ;;
  esac
done
[[ ${#wanted[@]} -gt 0 ]] || usage

if $list_only; then
  printf '%s\n' "${wanted[@]}"
  exit 0
fi

is_installed() {
  case $1 in  # often from elsewhere, and then Debian's cannot be installed beside it
    nodejs) ! command -v node >/dev/null || return 0 ;;
    npm) ! command -v npm >/dev/null || return 0 ;;
  esac
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

if ! command -v dpkg-query >/dev/null; then
  echo "This system has no dpkg: install the equivalents of these Debian 12 packages by hand:" >&2
  echo "  ${wanted[*]}" >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  is_installed "$package" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    as_root=(sudo)
  else
    echo "These packages are missing and installing them needs root:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
fi

echo "Installing: ${missing[*]}"
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get -qq install --yes --no-install-recommends "${missing[@]}" </dev/null

#!/bin/sh
# Installs the shared library, the headers, the CMake package and the pkg-config file.
#
#     ffi/install.sh PREFIX [LIBRARY]
#
# PREFIX is where to, such as /usr/local; DESTDIR is put before it as usual. LIBRARY is the shared library as cargo built it;
# without it, it is built first, in release mode. LIBDIR (by default lib) is the folder for libraries below PREFIX.
set -eu

[ $# -ge 1 ] || { echo "usage: $0 PREFIX [LIBRARY]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
case $1 in
/*) prefix=$1 ;;
*) prefix=$(pwd)/$1 ;;
esac
libdir=${LIBDIR:-lib}
strip=
target=${DESTDIR:-}$prefix

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
abi=$(sed -n 's/^#define TACTFUL_ABI_VERSION \([0-9]*\)$/\1/p' "$root/include/tactful.h")
[ -n "$version" ] && [ -n "$abi" ] || { echo "$0: cannot tell the version" >&2; exit 1; }

case $(uname -s) in
Darwin) built=libtactful_ffi.dylib linked=libtactful.dylib file=libtactful.$abi.dylib ;;
*) built=libtactful_ffi.so linked=libtactful.so file=libtactful.so.$abi ;;
esac
if [ $# -ge 2 ]; then
    library=$2
else
    cargo=${CARGO:-cargo}
    "$cargo" build --release --locked --manifest-path "$here/Cargo.toml"
    library=${CARGO_TARGET_DIR:-$root/target}/release/$built
    # What is installed carries no debug information; the file that cargo built keeps it.
    strip=$(command -v strip || true)
fi
[ -f "$library" ] || { echo "$0: no library at $library" >&2; exit 1; }

fill() {
    sed -e "s|@PREFIX@|$prefix|g" -e "s|@LIBDIR@|$libdir|g" -e "s|@VERSION@|$version|g" -e "s|@LIBRARY@|$file|g" "$1" >"$2"
    chmod 644 "$2"
}

mkdir -p "$target/include" "$target/$libdir/pkgconfig" "$target/$libdir/cmake/tactful"
install -m 644 "$root/include/tactful.h" "$root/include/tactful.hpp" "$target/include/"
install -m 755 "$library" "$target/$libdir/$file"
[ -z "${strip:-}" ] || "$strip" -S "$target/$libdir/$file"
ln -sf "$file" "$target/$libdir/$linked"
fill "$here/pkgconfig/tactful.pc.in" "$target/$libdir/pkgconfig/tactful.pc"
fill "$here/cmake/tactfulConfig.cmake.in" "$target/$libdir/cmake/tactful/tactfulConfig.cmake"
fill "$here/cmake/tactfulConfigVersion.cmake.in" "$target/$libdir/cmake/tactful/tactfulConfigVersion.cmake"
echo "installed tactful $version to $target"

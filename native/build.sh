#!/bin/sh
# Builds the native library for Maven and for the launcher.
#
#   build.sh check            one line on stderr and exit 1 when CMake or a C compiler is missing or too old
#   build.sh build [TARGET]   CMake into target/cmake, the library into target/classes (TARGET: a CMake target, or all);
#                             with all, also those for linux-aarch64 and windows-x86_64 if there are cross compilers
#   build.sh test             CTest
#   build.sh emulate          CTest under qemu: on an x86-64 processor without AVX, and of the library for linux-aarch64;
#                             and of the one for windows-x86_64 under Wine, where that is installed
#
# CMake alone does the same: cmake -S . -B build && cmake --build build && ctest --test-dir build, in the top folder.
set -eu

native=$(cd "$(dirname "$0")" && pwd)
own_tree=$native/target/cmake

cmake_needed=3.22
gcc_needed=12
clang_needed=14

fail() {
    if command -v apt-get >/dev/null 2>&1; then
        how="sudo apt-get install cmake gcc libc6-dev make"
    elif command -v dnf >/dev/null 2>&1; then
        how="sudo dnf install cmake gcc make"
    elif [ "$(uname -s)" = Darwin ]; then
        how="xcode-select --install && brew install cmake"
    else
        how="install CMake, gcc and make with the system's package manager"
    fi
    echo "bitnet: error: $1: $how" >&2
    exit 1
}

check_cmake() {
    command -v cmake >/dev/null 2>&1 || fail "no CMake (>= $cmake_needed)"
    found=$(cmake --version | sed -n 's/^cmake version \([0-9][0-9.]*\).*/\1/p')
    if ! [ "$(printf '%s\n' "$cmake_needed" "$found" | sort -t. -k1,1n -k2,2n | head -n 1)" = "$cmake_needed" ]; then
        fail "CMake $found is too old (>= $cmake_needed)"
    fi
    command -v make >/dev/null 2>&1 || command -v ninja >/dev/null 2>&1 || fail "no make"
}

# Sets compiler to the first that will do: CC and nothing else if it is set, otherwise cc, gcc, clang and the
# versioned names under which distributions install newer ones beside an old default.
find_compiler() {
    seen=
    if [ -n "${CC:-}" ]; then
        candidates=$CC
    else
        candidates="cc gcc clang gcc-16 gcc-15 gcc-14 gcc-13 gcc-12 clang-21 clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14"
    fi
    for compiler in $candidates; do
        command -v "$compiler" >/dev/null 2>&1 || continue
        # Preprocessing a header of libc finds a compiler that came without the headers.
        macros=$(printf '#include <stdint.h>\n#include <pthread.h>\nversion:__clang_major__:__GNUC__\n' \
            | "$compiler" -E -P -x c - 2>/dev/null | sed -n 's/ //g; s/^version://p') || macros=
        case $macros in
            __clang_major__:__GNUC__ | '') seen="${seen:+$seen, }$compiler without the headers of libc" ;;
            __clang_major__:*)
                version=${macros#*:}
                if [ "$version" -ge $gcc_needed ]; then return 0; fi
                seen="${seen:+$seen, }$compiler is gcc $version"
                ;;
            *)
                version=${macros%%:*}
                if [ "$version" -ge $clang_needed ]; then return 0; fi
                seen="${seen:+$seen, }$compiler is clang $version"
                ;;
        esac
    done
    fail "no C compiler (gcc >= $gcc_needed or clang >= $clang_needed${seen:+; $seen})"
}

# The folder that the loader looks in, as java.lang.System names the system: linux-x86_64, macos-aarch64.
platform() {
    case $(uname -s) in
        Darwin) system=macos ;;
        *) system=$(uname -s | tr '[:upper:]' '[:lower:]') ;;
    esac
    case $(uname -m) in
        amd64) processor=x86_64 ;;
        arm64) processor=aarch64 ;;
        *) processor=$(uname -m) ;;
    esac
    echo "$system-$processor"
}

jobs() {
    getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2
}

# compile TREE PLATFORM TARGET CMAKE-OPTION...: builds in a tree, and puts the library where the loader looks for it.
compile() {
    tree=$1
    resources=$native/target/classes/META-INF/native/$2
    target=$3
    shift 3
    # A tree that was configured somewhere else (the checkout has moved) is of no use.
    if [ -f "$tree/CMakeCache.txt" ] && ! grep -qxF "CMAKE_CACHEFILE_DIR:INTERNAL=$tree" "$tree/CMakeCache.txt"; then
        rm -rf "$tree"
    fi
    # CMake configures again by itself when a CMakeLists.txt changes; the generator's file appears last.
    if ! [ -f "$tree/Makefile" ] && ! [ -f "$tree/build.ninja" ]; then
        cmake -S "$native/.." -B "$tree" "$@"
    fi
    cmake --build "$tree" --parallel "$(jobs)" --target "$target"

    mkdir -p "$resources"
    for library in "$tree"/lib/libbitnet.so "$tree"/lib/libbitnet.dylib "$tree"/bin/bitnet.dll; do
        [ -f "$library" ] || continue
        installed=$resources/${library##*/}
        # Left alone when it is the same, so that nothing downstream is packaged again.
        cmp -s "$library" "$installed" && [ -f "$installed.sha256" ] && continue
        cp "$library" "$installed"
        cmake -E sha256sum "$installed" | cut -d ' ' -f 1 >"$installed.sha256"
    done
}

build() {
    check_cmake
    find_compiler
    compile "$own_tree" "$(platform)" "$1" -DCMAKE_C_COMPILER="$compiler"
}

# What this system's library is not: a line each of PLATFORM, compiler (and toolchain file's name) and Debian's packages.
cross_platforms() {
    cat <<END
linux-aarch64 aarch64-linux-gnu gcc-aarch64-linux-gnu libc6-dev-arm64-cross
windows-x86_64 x86_64-w64-mingw32 gcc-mingw-w64-x86-64-win32
END
}

tree_of() {
    echo "$native/target/cmake-$1"
}

# cross TARGET: for other systems than this one, as far as there are compilers.
cross() {
    cross_platforms | while read -r other compiler packages; do
        [ "$other" != "$(platform)" ] || continue
        if command -v "$compiler-gcc" >/dev/null 2>&1; then
            compile "$(tree_of "$other")" "$other" "$1" -DCMAKE_TOOLCHAIN_FILE="$native/cmake/$compiler.cmake" </dev/null
        else
            echo "bitnet: no library for $other is built, as there is no $compiler-gcc: sudo apt-get install $packages" >&2
        fi
    done
}

# tests_of PLATFORM EMULATOR...: CTest; and structs are laid out as on this system, whose layout Java's is compared with.
tests_of() {
    tree=$(tree_of "$1")
    shift
    ctest --test-dir "$tree" --output-on-failure --parallel "$(jobs)"
    "$own_tree/bin/layout_probe" >"$tree/layout.own"
    "$@" "$tree"/bin/layout_probe* | tr -d '\r' | cmp - "$tree/layout.own"
}

emulate() {
    for tool in aarch64-linux-gnu-gcc qemu-aarch64 qemu-x86_64 x86_64-w64-mingw32-gcc; do
        command -v "$tool" >/dev/null 2>&1 && continue
        echo "bitnet: error: no $tool: sudo apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" \
            "gcc-mingw-w64-x86-64-win32" >&2
        exit 1
    done
    build all
    cmake "$own_tree" >/dev/null # which looks for emulators again
    cross all
    ctest --test-dir "$own_tree" --label-regex emulated --output-on-failure --parallel "$(jobs)"
    tests_of linux-aarch64 qemu-aarch64 -L /usr/aarch64-linux-gnu
    if command -v wine >/dev/null 2>&1; then
        emulate_windows
    else
        echo "bitnet: the library for windows-x86_64 is built and not tested, as there is no wine:" \
            "sudo apt-get install wine" >&2
    fi
}

# In a home of Wine that goes with the tests: it takes 700 MB.
emulate_windows() {
    WINEPREFIX=$(mktemp -d)
    export WINEPREFIX WINEDEBUG=-all
    trap 'wineserver -k || true; rm -rf "$WINEPREFIX"' EXIT
    wineboot --init >/dev/null 2>&1
    tests_of windows-x86_64 wine
}

case ${1:-} in
    check)
        check_cmake
        find_compiler
        ;;
    build)
        build "${2:-all}"
        # The launcher asks for this system's library alone.
        [ "${2:-all}" != all ] || cross bitnet
        ;;
    test) ctest --test-dir "$own_tree" --label-exclude emulated --output-on-failure --parallel "$(jobs)" ;;
    emulate) emulate ;;
    *)
        echo "usage: build.sh check | build [TARGET] | test | emulate" >&2
        exit 2
        ;;
esac

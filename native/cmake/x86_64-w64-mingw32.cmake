# Cross build for Windows on x86-64, tests under Wine:
#   cmake -S . -B build-windows -DCMAKE_TOOLCHAIN_FILE=native/cmake/x86_64-w64-mingw32.cmake
# Debian's packages: gcc-mingw-w64-x86-64-win32, wine.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_CROSSCOMPILING_EMULATOR wine)

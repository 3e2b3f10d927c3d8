@echo off
rem Starts bitnet4j's command line on Windows, with the JDK 25 of JAVA_HOME or else of PATH. It builds nothing:
rem "mvn package" on Linux with gcc-mingw-w64-x86-64-win32 makes java\cli\target, which runs on both.
rem BITNET_JAVA_OPTS holds further options for the JVM.
setlocal
if not exist "%~dp0java\cli\target\bitnet.jar" (
    echo bitnet: error: no %~dp0java\cli\target\bitnet.jar: copy java/cli/target from a build on Linux 1>&2
    exit /b 1
)
set "java=java"
if defined JAVA_HOME set "java=%JAVA_HOME%\bin\java"
"%java%" -XX:+UseSerialGC %BITNET_JAVA_OPTS% "-Dbitnet.home=%~dp0." -jar "%~dp0java\cli\target\bitnet.jar" %*

/**
 * libbitnet as Java sees it: jextract's classes for {@code native/include/bitnet.h} ({@code BitNetNative} and one
 * class a struct, written by {@code bindings/regenerate}), and {@link io.github.bitnet4j.bindings.NativeLibrary},
 * which finds and loads the library. Nothing here knows what a model is; nothing here is written by hand twice.
 */
package io.github.bitnet4j.bindings;

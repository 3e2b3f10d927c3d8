/**
 * Published models: a catalogue of them, and how their files come from a Hugging Face hub into the cache that all Hugging
 * Face tools share. Knows what files a model has, and nothing of what is in them.
 */
package io.github.bitnet4j.hub;

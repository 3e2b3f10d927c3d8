/**
 * Tokens so far to guesses at the tokens that follow, and how many of them are worth a place in the next pass. Pure Java;
 * knows no model and no native code, and decides nothing about the text: guesses are verified.
 */
package io.github.bitnet4j.draft;

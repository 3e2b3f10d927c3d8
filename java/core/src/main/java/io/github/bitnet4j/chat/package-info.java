/**
 * Messages to a prompt, through the chat template of the model.
 */
package io.github.bitnet4j.chat;

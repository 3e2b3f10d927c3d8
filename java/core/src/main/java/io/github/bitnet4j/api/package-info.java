/**
 * What users import: a model is opened, sessions are made from it, a session generates; or texts become vectors.
 * Nothing here touches native memory or file formats directly; the rooms behind it do.
 */
package io.github.bitnet4j.api;

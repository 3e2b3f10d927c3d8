package io.github.bitnet4j.hub;

/**
 * A file of a repository, as the hub describes it.
 *
 * @param repository {@code ORG/NAME}
 * @param commit     which never changes, unlike a branch
 * @param name       path in the repository
 * @param size       bytes
 */
record RemoteFile(String repository, String commit, String name, long size, Checksum checksum) {}

package io.github.bitnet4j.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How often a request is made again, and how long to wait before; starts anew whenever there was progress. */
final class Retries {
    private static final Logger LOG = LoggerFactory.getLogger(Retries.class);
    private static final int ATTEMPTS = 5;
    /** A server that asks for more is not waited for. */
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(2);

    /** A failure of the server that passes. */
    static final class Passing extends IOException {
        private static final long serialVersionUID = 1L;
        private final transient Optional<Duration> wait;

        /** @param wait how long the server asks to be left alone */
        Passing(String message, Optional<Duration> wait) {
            super(message);
            this.wait = wait;
        }
    }

    private final String what;
    private final Duration pause;
    private int failures;

    /**
     * @param what  is asked for and from where, for the sentence
     * @param pause before the second attempt; doubled every time
     */
    Retries(String what, Duration pause) {
        this.what = what;
        this.pause = pause;
    }

    void progress() {
        failures = 0;
    }

    /**
     * Waits before the next attempt.
     *
     * @throws HubException if there should be none
     */
    void failed(IOException failure) {
        if (Reasons.isLasting(failure)) {
            throw new HubException("cannot get " + what + ": " + Reasons.of(failure)
                    + "; check the connection, https_proxy and HF_ENDPOINT", failure);
        }
        Duration wait = pause.multipliedBy(1L << failures);
        if (failure instanceof Passing passing && passing.wait.isPresent()) {
            wait = passing.wait.get();
        }
        failures++;
        if (failures >= ATTEMPTS) {
            throw new HubException("cannot get " + what + ": " + Reasons.of(failure) + ", " + ATTEMPTS
                    + " times; try again later: what has arrived is kept", failure);
        }
        if (wait.compareTo(LONGEST_WAIT) > 0) {
            throw new HubException("cannot get " + what + ": " + Reasons.of(failure) + " and asks to wait " + wait.toSeconds()
                    + " s; try again then: what has arrived is kept", failure);
        }
        LOG.debug("{}: {}; trying again in {} ms", what, Reasons.of(failure), wait.toMillis());
        try {
            Thread.sleep(wait);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    static HubException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new HubException("the download was interrupted; pulling again resumes it", e);
    }
}

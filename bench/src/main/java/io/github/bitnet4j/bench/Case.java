package io.github.bitnet4j.bench;

import io.github.bitnet4j.model.Cpu;
import io.github.bitnet4j.model.KernelTrial.Shape;

/**
 * A kernel, a shape and a number of threads, as text {@code bn_gemv_i2s_avx2/2560x6912/n1/d1.0/t2}: kernel, rows x columns,
 * rows of activations, share of the weights that matter, threads.
 */
record Case(String kernel, Shape shape, int threads) {

    static Case parse(String text) {
        String[] parts = text.split("/");
        String[] sizes = parts[1].split("x");
        Shape shape = new Shape(Long.parseLong(sizes[0]), Long.parseLong(sizes[1]), Long.parseLong(parts[2].substring(1)),
                Double.parseDouble(parts[3].substring(1)));
        return new Case(parts[0], shape, Integer.parseInt(parts[4].substring(1)));
    }

    /** Its kernel's row of the native table. */
    int row() {
        return Cpu.kernels().stream().map(Cpu.Kernel::name).toList().indexOf(kernel);
    }

    @Override
    public String toString() {
        return kernel + "/" + shape.rows() + "x" + shape.cols() + "/n" + shape.n() + "/d" + shape.density() + "/t" + threads;
    }
}

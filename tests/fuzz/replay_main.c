/* main() for builds without libFuzzer: feeds each named file to the target once, so that the corpus
 * is a regression test everywhere. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED_BYTES_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int main(int argc, char *argv[])
{
    uint8_t *bytes = malloc(SEED_BYTES_MAX);

    if (bytes == NULL)
        return EXIT_FAILURE;
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");

        if (file == NULL) {
            perror(argv[i]);
            free(bytes);
            return EXIT_FAILURE;
        }
        (void)LLVMFuzzerTestOneInput(bytes, fread(bytes, 1, SEED_BYTES_MAX, file));
        (void)fclose(file);
    }
    free(bytes);
    return EXIT_SUCCESS;
}

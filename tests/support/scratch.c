#define _GNU_SOURCE /* nftw */
#include "support/scratch.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDERS_OPEN 8

struct scratch scratch;

void scratch_set_up(void)
{
    scratch.memory = talloc_new(NULL);
    (void)text_copy(scratch.folder, sizeof(scratch.folder), "/tmp/hakem-scratch-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scratch.folder));
    (void)text_format(scratch.script, sizeof(scratch.script), "%s/script", scratch.folder);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void scratch_tear_down(void)
{
    (void)nftw(scratch.folder, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
    talloc_free(scratch.memory);
}

const char *scratch_path(const char *name)
{
    return memory_format(scratch.memory, "%s/%s", scratch.folder, name);
}

const char *write_file(const char *name, const char *text)
{
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

void write_script(const char *lines)
{
    (void)write_file("script", memory_format(scratch.memory, "#!/bin/sh\n%s\n", lines));
    ck_assert_int_eq(chmod(scratch.script, 0755), 0);
}

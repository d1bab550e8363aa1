/* Stands in for NVIDIA's driver library: two GPUs, of which the first is always busy and the second every other time
   that it is looked at. FIGLAKE_TEST_NVML=absent: the driver is not loaded. */
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID = 2, NOT_FOUND = 6, NOT_LOADED = 9 };
typedef struct { unsigned int gpu, memory; } utilization;
static int devices[2];
static unsigned int looked;

int nvmlInitWithFlags(unsigned int flags) {
    const char *how = getenv("FIGLAKE_TEST_NVML");
    return flags || !how || strcmp(how, "absent") ? SUCCESS : NOT_LOADED;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code ? "it does not" : "it does"; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 2; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
    if (index > 1) return INVALID;
    *device = &devices[index];
    return SUCCESS;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    if (strcmp(uuid, "GPU-second")) return NOT_FOUND;
    return nvmlDeviceGetHandleByIndex_v2(1, device);
}
int nvmlDeviceGetName(void *device, char *name, unsigned int length) {
    strncpy(name, "NVIDIA T4", length);
    return SUCCESS;
}
int nvmlDeviceGetUtilizationRates(void *device, utilization *found) {
    found->gpu = device == &devices[0] ? 100 : looked++ % 2 ? 60 : 0;
    found->memory = 0;
    return SUCCESS;
}

#include "CDac.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define E_NOTIMPL ((int32_t)0x80004001)
#define E_NOINTERFACE ((int32_t)0x80004002)
#define E_FAIL ((int32_t)0x80004005)

static const uint8_t IID_IUnknown[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
// 3E11CCEE-D08B-43e5-AF01-32717A64DA03
static const uint8_t IID_DataTarget[16] = {0xee, 0xcc, 0x11, 0x3e, 0x8b, 0xd0, 0xe5, 0x43,
                                           0xaf, 0x01, 0x32, 0x71, 0x7a, 0x64, 0xda, 0x03};
// b760bf44-9377-4597-8be7-58083bdc5146: asked for by 8.0, not by 3.1
static const uint8_t IID_RuntimeLocator[16] = {0x44, 0xbf, 0x60, 0xb7, 0x77, 0x93, 0x97, 0x45,
                                               0x8b, 0xe7, 0x58, 0x08, 0x3b, 0xdc, 0x51, 0x46};
// 5c552ab6-fc09-4cb3-8e36-22fa03c798b7
static const uint8_t IID_Process[16] = {0xb6, 0x2a, 0x55, 0x5c, 0x09, 0xfc, 0xb3, 0x4c,
                                        0x8e, 0x36, 0x22, 0xfa, 0x03, 0xc7, 0x98, 0xb7};
// 436f00f2-b42a-4b9f-870c-e73db66ae930
static const uint8_t IID_SOS[16] = {0xf2, 0x00, 0x6f, 0x43, 0x2a, 0xb4, 0x9f, 0x4b,
                                    0x87, 0x0c, 0xe7, 0x3d, 0xb6, 0x6a, 0xe9, 0x30};
// A16026EC-96F4-40BA-87FB-5575986FB7AF
const uint8_t INQUEST_IID_SOS2[16] = {0xec, 0x26, 0x60, 0xa1, 0xf4, 0x96, 0xba, 0x40,
                                      0x87, 0xfb, 0x55, 0x75, 0x98, 0x6f, 0xb7, 0xaf};

// One object with two tables: ICLRDataTarget, and ICLRRuntimeLocator behind it.
struct object {
  const void *const *target_table;
  const void *const *locator_table;
  const inquest_dac_target *target;
};
static struct object the_object;

static int32_t query(void *this, const uint8_t *iid, void **out) {
  (void)this;
  *out = NULL;
  if (!memcmp(iid, IID_IUnknown, 16) || !memcmp(iid, IID_DataTarget, 16)) {
    *out = &the_object.target_table;
  } else if (!memcmp(iid, IID_RuntimeLocator, 16)) {
    *out = &the_object.locator_table;
  }
  return *out ? 0 : E_NOINTERFACE;
}
// It lives as long as the process: nobody counts.
static uint32_t count_reference(void *this) {
  (void)this;
  return 1;
}
static int32_t machine(void *this, uint32_t *out) {
  (void)this;
#if defined(__x86_64__)
  *out = 0x8664;
#elif defined(__aarch64__)
  *out = 0xaa64;
#else
#error "no machine type known for this architecture"
#endif
  return 0;
}
static int32_t pointer_size(void *this, uint32_t *out) {
  (void)this;
  *out = 8;
  return 0;
}
static int32_t image_base(void *this, const uint16_t *path, uint64_t *out) {
  (void)this;
  static const char name[] = "libcoreclr.so";
  size_t length = 0;
  while (path[length] && length < 4096) length++;
  if (length < sizeof name - 1) return E_FAIL;
  const uint16_t *tail = path + length - (sizeof name - 1);
  for (size_t i = 0; i < sizeof name - 1; i++) {
    if (tail[i] != (uint16_t)name[i]) return E_FAIL;
  }
  *out = the_object.target->runtime_base;
  return 0;
}
static int32_t read_virtual(void *this, uint64_t address, uint8_t *buffer, uint32_t size,
                            uint32_t *done) {
  (void)this;
  const inquest_dac_target *target = the_object.target;
  uint32_t count = target->read(target->context, address, buffer, size);
  if (done) *done = count;
  return count > 0 || size == 0 ? 0 : E_FAIL;
}
static int32_t thread_context(void *this, uint32_t thread, uint32_t flags, uint32_t size,
                              uint8_t *buffer) {
  (void)this, (void)flags;
  const inquest_dac_target *target = the_object.target;
  memset(buffer, 0, size);
  return target->thread_context(target->context, thread, buffer, size) == 0 ? 0 : E_FAIL;
}
static int32_t not_implemented(void *this) {
  (void)this;
  return E_NOTIMPL;
}
static int32_t runtime_base(void *this, uint64_t *out) {
  (void)this;
  *out = the_object.target->runtime_base;
  return 0;
}

static const void *const target_table[] = {
    (void *)query,           (void *)count_reference, (void *)count_reference, (void *)machine,
    (void *)pointer_size,    (void *)image_base,      (void *)read_virtual,    (void *)not_implemented,
    (void *)not_implemented, (void *)not_implemented, (void *)not_implemented, (void *)thread_context,
    (void *)not_implemented, (void *)not_implemented,
};
static const void *const locator_table[] = {
    (void *)query,
    (void *)count_reference,
    (void *)count_reference,
    (void *)runtime_base,
};

inquest_dac_status inquest_dac_load(const char *path, const inquest_dac_target *target, void **process,
                                    void **sos, int32_t *code, char *detail, size_t detail_size) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    snprintf(detail, detail_size, "%s", why ? why : "unknown error");
    return INQUEST_DAC_NOT_LOADED;
  }
  int32_t (*start)(void *, uint32_t, void *) =
      (int32_t(*)(void *, uint32_t, void *))dlsym(library, "DllMain");
  int32_t (*create)(const uint8_t *, void *, void **) =
      (int32_t(*)(const uint8_t *, void *, void **))dlsym(library, "CLRDataCreateInstance");
  if (!start || !create) return INQUEST_DAC_NO_ENTRY;
  // Without it both versions crash in their first allocation. 1: DLL_PROCESS_ATTACH.
  start(library, 1, NULL);
  the_object = (struct object){target_table, locator_table, target};
  *code = create(IID_Process, &the_object, process);
  if (*code != 0 || !*process) return INQUEST_DAC_REFUSED;
  *code = inquest_dac_query(*process, IID_SOS, sos);
  return *code == 0 && *sos ? INQUEST_DAC_OK : INQUEST_DAC_REFUSED;
}

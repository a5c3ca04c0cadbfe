// SPDX-License-Identifier: Apache-2.0
// Another library in LD_PRELOAD; must stay there.
__attribute__((visibility("default"))) int inquest_test_bystander(void) { return 1; }

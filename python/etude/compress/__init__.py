# SPDX-License-Identifier: Apache-2.0
"""Networks in small forms: pruned, in few bits, coded (`etude compress`; docs/compress.md)."""

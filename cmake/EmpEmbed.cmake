# SPDX-License-Identifier: BSD-3-Clause
#
# cmake -D FILE=page.html -D NAME=emp_page -D OUTPUT=page.c -P EmpEmbed.cmake: a file as bytes in C.

file (READ "${FILE}" bytes HEX)
string (REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string (REGEX REPLACE "((0x..,)(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?)" "\\1\n" bytes "${bytes}")
file (WRITE "${OUTPUT}" "#include <stddef.h>\n\nextern const unsigned char ${NAME}[];\nextern const size_t ${NAME}_size;\n"
      "const unsigned char ${NAME}[] = {\n${bytes}};\nconst size_t ${NAME}_size = sizeof ${NAME};\n")

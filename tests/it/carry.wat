;; Tries to carry state through all that a core instance has, in the gateway lane, and answers with what it found.
(component
  (core module $carry
    (memory (export "memory") 1)
    (global $global (mut i32) (i32.const 0))
    (table $table 2 100 funcref)
    (func $left)
    (elem $functions func $left)

    ;; The answer, with a place for one digit in each line.
    (data (i32.const 64) "memory ?\0apages  ?\0aglobal ?\0atable  ?\0aslots  ?\0a")
    (data $bytes "left")

    ;; Where the next request's strings and lists go.
    (global $next (mut i32) (i32.const 4096))

    (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
      (result i32)
      (local $start i32)
      (local.set $start (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $start) (local.get $size)))
      (if (i32.gt_u (global.get $next) (i32.const 65536)) (then unreachable))
      (local.get $start))

    (func $digit (param $line i32) (param $number i32)
      (i32.store8
        (i32.add (i32.const 71) (i32.mul (local.get $line) (i32.const 9)))
        (i32.add (i32.const 48) (local.get $number))))

    (func (export "handle") (param $request i32) (result i32)
      ;; What is there.
      (call $digit (i32.const 0) (i32.load (i32.const 32)))
      (call $digit (i32.const 1) (memory.size))
      (call $digit (i32.const 2) (global.get $global))
      (call $digit (i32.const 3) (i32.eqz (ref.is_null (table.get $table (i32.const 1)))))
      (call $digit (i32.const 4) (table.size $table))
      ;; Both trap when the segment was dropped.
      (memory.init $bytes (i32.const 48) (i32.const 0) (i32.const 4))
      (table.init $table $functions (i32.const 0) (i32.const 0) (i32.const 1))

      ;; What is left.
      (i32.store (i32.const 32) (i32.const 1))
      (drop (memory.grow (i32.const 1)))
      (global.set $global (i32.const 1))
      (table.set $table (i32.const 1) (ref.func $left))
      (drop (table.grow $table (ref.func $left) (i32.const 3)))
      (data.drop $bytes)
      (elem.drop $functions)

      ;; `ok` with the status, no headers, and the answer as the body.
      (i32.store8 (i32.const 0) (i32.const 0))
      (i32.store16 (i32.const 4) (i32.const 200))
      (i32.store (i32.const 8) (i32.const 0))
      (i32.store (i32.const 12) (i32.const 0))
      (i32.store (i32.const 16) (i32.const 64))
      (i32.store (i32.const 20) (i32.const 45))
      (i32.const 0)))

  (core instance $instance (instantiate $carry))

  (type $header (tuple string (list u8)))
  (type $request-record (record
    (field "method" string)
    (field "scheme" string)
    (field "authority" string)
    (field "mount" string)
    (field "path" string)
    (field "query" (option string))
    (field "headers" (list $header))
    (field "body" (list u8))
    (field "peer" (option string))
    (field "id" string)))
  (type $response-record (record
    (field "status" u16)
    (field "headers" (list $header))
    (field "body" (list u8))))
  (export $request "request" (type $request-record))
  (export $response "response" (type $response-record))

  (func $handle (param "request" $request) (result (result $response (error string)))
    (canon lift
      (core func $instance "handle")
      (memory (core memory $instance "memory"))
      (realloc (core func $instance "cabi_realloc"))))
  (instance $handler (export "handle" (func $handle)))
  (export "guesthouse:gateway/handler@0.1.0" (instance $handler)))

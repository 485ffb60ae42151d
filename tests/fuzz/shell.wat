;; An app in the gateway lane that calls whatever a random module exports, and then answers.
;; The empty module that comes first, without a name, is replaced by that module; what is imported and called is filled in.
(component
  (core module)

  ;; Gives the host places for a request's strings and lists.
  (core module $memory
    (memory (export "memory") 1 4)
    (global $next (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $start i32)
      (local.set $start (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $start) (local.get $size)))
      (if (i32.gt_u (global.get $next) (i32.const 65536)) (then unreachable))
      (local.get $start)))

  (core instance $memory (instantiate $memory))
  (core instance $random (instantiate 0))

  (core module $handler
    (import "memory" "memory" (memory 1 4))
    (;imports;)
    (func (export "handle") (param i32) (result i32)
      (;calls;)
      ;; `ok` with the status, no headers, and no body.
      (i32.store8 (i32.const 0) (i32.const 0))
      (i32.store16 (i32.const 4) (i32.const 200))
      (i64.store (i32.const 8) (i64.const 0))
      (i64.store (i32.const 16) (i64.const 0))
      (i32.const 0)))
  (core instance $handler
    (instantiate $handler (with "memory" (instance $memory)) (with "random" (instance $random))))

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
      (core func $handler "handle")
      (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (instance $handler (export "handle" (func $handle)))
  (export "guesthouse:gateway/handler@0.1.0" (instance $handler)))
